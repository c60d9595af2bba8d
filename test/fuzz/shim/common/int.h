#define pg_add_s64_overflow(a, b, result) __builtin_add_overflow(a, b, result)
