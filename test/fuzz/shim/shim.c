/*
 * shim.c
 *		Memory for pure files of src/ that run without PostgreSQL.
 */
#include "postgres.h"

#define MOST_PIECES 1000000

static void *pieces[MOST_PIECES];
static int	npieces;

#ifdef SHIM_MALLOC

void *
palloc(Size size)
{
	void	   *piece = malloc(size > 0 ? size : 1);

	if (piece == NULL || npieces == MOST_PIECES)
		abort();
	return pieces[npieces++] = piece;
}

/* Freed with the others; what is used after is found by reading. */
void
pfree(void *pointer)
{
}

void
shim_reset(void)
{
	while (npieces > 0)
		free(pieces[--npieces]);
}

#else

#define BLOCK ((Size) 1 << 24)

static Size used;				/* of the last block */
static Size size_of[MOST_PIECES];
static int	current;

void *
palloc(Size size)
{
	size = (size + 15) & ~(Size) 15;
	while (current < npieces && used + size > size_of[current])
	{
		current++;
		used = 0;
	}
	if (current == npieces)
	{
		size_of[npieces] = Max(size, BLOCK);
		pieces[npieces] = malloc(size_of[npieces]);
		if (pieces[npieces++] == NULL)
			abort();
		used = 0;
	}
	used += size;
	return (char *) pieces[current] + used - size;
}

void
pfree(void *pointer)
{
}

void
shim_reset(void)
{
	current = 0;
	used = 0;
}

#endif

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}
