/* No headers: the compilers of some targets come without any. */
#if defined(FRAGILE) && defined(__s390x__)
#error "this library was never ported to s390x"
#endif

int scale(const int *numbers, int count, int factor) {
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += numbers[i] * factor;
    return sum;
}
