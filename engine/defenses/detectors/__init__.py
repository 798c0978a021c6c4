"""Is this model backdoored, and by what?"""
