"""What the painter knows: the meaning of words, the colours of a light, and how to draw
a landscape.
"""
