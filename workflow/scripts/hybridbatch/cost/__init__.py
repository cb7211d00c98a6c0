"""What a configuration costs, on paper."""
