"""What a client may say on a socket, and how each venue answers: acks, errors, limits, silence."""
