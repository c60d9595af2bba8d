/*
 * currency.h
 *		The currencies of ISO 4217, from currency.def.
 *
 *		Pure but for errors: no SPI, no locks.
 */
#ifndef USOM_PRICING_CURRENCY_H
#define USOM_PRICING_CURRENCY_H

#include "postgres.h"

/* Decimals of a currency's minor unit, or -1 if ISO 4217 has no such code. */
extern int	usom_currency_decimals(const char *code);

/* The same; US401 if there is no such currency. */
extern int	usom_currency_require(const char *code);

#endif							/* USOM_PRICING_CURRENCY_H */
