"""How well a network classifies, how strong its backdoor is, and how visible the trigger is."""
