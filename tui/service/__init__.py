"""How RunAPI is spoken to. The only rooms that import httpx."""
