"""What a prompt asks of the film itself: camera, shot, pace, duration, aspect, sound."""
