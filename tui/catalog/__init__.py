"""What can be asked: families, models, routes and params, as data. No I/O but reading
its own files.
"""
