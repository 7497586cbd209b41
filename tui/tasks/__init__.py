"""What was asked: the queue on disk and the engine that carries each task to its saved
images.
"""
