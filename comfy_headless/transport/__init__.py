"""Performs flows: the home of httpx and websockets."""
