"""Files that a stranger may send: made by code, refused by the program in one sentence each."""
