int part_two(void) { return 2; }
