"""Question-answer pairs: fetched, read, filtered, searched for benchmark texts."""
