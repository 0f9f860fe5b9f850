"""Which promotions an occasion meets: the index that finds them, the conditions that decide."""
