"""Settings of other tools in which RunAPI may have been set up. Read only, bounded, and
never a reason to fail.
"""
