"""`/api/stream`: what happens, told as it happens. One reader of Redis a process serves every open stream."""
