"""The configuration: what there is, what is chosen, and what each job is given as parameters."""
