"""How the data arrives: from the venues' sockets into both stores."""
