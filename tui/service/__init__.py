"""RunAPI over HTTP. Only this room and the demo import httpx."""
