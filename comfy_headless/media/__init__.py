"""Media files: drawing, encoding and reading pictures, videos and sound; the home of Pillow and PyAV."""
