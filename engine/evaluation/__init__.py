"""Clean accuracy, attack success, recovered accuracy, and how visible a trigger is."""
