#define MIXED_SRC 1
