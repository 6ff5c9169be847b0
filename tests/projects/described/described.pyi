old: int
