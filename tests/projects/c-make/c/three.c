int part_three(void) { return 3; }
