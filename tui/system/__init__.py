"""What the operating system gives: files, standard streams, the event loop."""
