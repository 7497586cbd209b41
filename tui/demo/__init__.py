"""The embedded service: RunAPI's protocol in one process, painting real images. No key,
no network.
"""

DEMO_KEY = "runapi_demo_0123456789abcdef"
DEMO_URL = "http://runapi.demo"
"""The name under which the service is reached in process; no such host exists."""
