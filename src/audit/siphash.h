/*
 * siphash.h
 *		SipHash-2-4 (Aumasson and Bernstein, 2012): 64 bits of keyed hash.
 *
 *		Who does not know the key cannot make two inputs that hash alike, nor
 *		sets of inputs whose hashes have the same sum.  So sums of such hashes
 *		stand for sets of rows, if the key is drawn anew for each comparison.
 */
#ifndef USOM_AUDIT_SIPHASH_H
#define USOM_AUDIT_SIPHASH_H

#include "postgres.h"
#include "port/pg_bswap.h"

#define USOM_SIPHASH_KEY_SIZE 16

typedef struct UsomSipKey
{
	uint64		k0;
	uint64		k1;
} UsomSipKey;

/* Eight bytes, the first one lowest. */
static inline uint64
usom_siphash_word(const unsigned char *bytes)
{
	uint64		word;

	memcpy(&word, bytes, sizeof(word));
#ifdef WORDS_BIGENDIAN
	word = pg_bswap64(word);
#endif
	return word;
}

static inline UsomSipKey
usom_siphash_key(const void *bytes)
{
	const unsigned char *at = bytes;

	return (UsomSipKey) {usom_siphash_word(at), usom_siphash_word(at + 8)};
}

static inline void
usom_siphash_rounds(uint64 v[4], int rounds)
{
#define ROTATE(x, n) (((x) << (n)) | ((x) >> (64 - (n))))
	while (rounds-- > 0)
	{
		v[0] += v[1];
		v[2] += v[3];
		v[1] = ROTATE(v[1], 13) ^ v[0];
		v[3] = ROTATE(v[3], 16) ^ v[2];
		v[0] = ROTATE(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = ROTATE(v[1], 17) ^ v[2];
		v[3] = ROTATE(v[3], 21) ^ v[0];
		v[2] = ROTATE(v[2], 32);
	}
#undef ROTATE
}

static inline uint64
usom_siphash(UsomSipKey key, const void *bytes, Size size)
{
	const unsigned char *at = bytes;
	const unsigned char *end = at + (size & ~(Size) 7);
	uint64		v[4] = {
		key.k0 ^ UINT64CONST(0x736f6d6570736575), key.k1 ^ UINT64CONST(0x646f72616e646f6d),
		key.k0 ^ UINT64CONST(0x6c7967656e657261), key.k1 ^ UINT64CONST(0x7465646279746573)
	};
	uint64		last = (uint64) size << 56;

	for (; at < end; at += 8)
	{
		uint64		word = usom_siphash_word(at);

		v[3] ^= word;
		usom_siphash_rounds(v, 2);
		v[0] ^= word;
	}
	for (int i = 0; i < (int) (size & 7); i++)
		last |= (uint64) at[i] << (8 * i);
	v[3] ^= last;
	usom_siphash_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	usom_siphash_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif							/* USOM_AUDIT_SIPHASH_H */
