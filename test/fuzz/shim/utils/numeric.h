typedef void *Numeric;
