"""From what a browser saves to what a server takes: UI format to API format, offline, as ComfyUI's page does it."""
