"""How RunAPI is spoken to. Only this room and the demo import httpx."""
