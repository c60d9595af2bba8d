/*
 * vault.c
 *		Seal and open texts about people: see vault.h.
 *
 * The cipher is OpenSSL's; nonces and keys are PostgreSQL's random bytes.
 * Sealed is the text in UTF-8, so that a dump may go to a database of another
 * encoding.
 *
 * Memory: results in CurrentMemoryContext.  A cipher context is OpenSSL's and
 * freed before anything is raised.  Nothing here locks or reads a table.
 *
 * Invariant: a nonce is drawn for each text and never used again; no message
 * holds a key, a text or a part of either.
 */
#include "postgres.h"

#include "base/compat.h"

#include "party/vault.h"

#include <openssl/evp.h>

#include "common/base64.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define PREFIX "usom1:"
#define PREFIX_BYTES ((int) sizeof(PREFIX) - 1)
#define PERSON_BYTES 8
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define FRAME_BYTES (PERSON_BYTES + NONCE_BYTES + TAG_BYTES)

/* What base64 of it must stay a text. */
#define TEXT_LIMIT (MaxAllocSize / 2)

/* What is authenticated beside the text. */
typedef struct Binding
{
	char		form[PREFIX_BYTES];
	uint8		org_id[8];
	uint8		person_id[PERSON_BYTES];
} Binding;

static void
put_int64(uint8 *bytes, int64 value)
{
	uint64		swapped = pg_hton64((uint64) value);

	memcpy(bytes, &swapped, sizeof(swapped));
}

static int64
take_int64(const uint8 *bytes)
{
	uint64		swapped;

	memcpy(&swapped, bytes, sizeof(swapped));
	return (int64) pg_ntoh64(swapped);
}

static Binding
make_binding(const UsomPersonKey *key)
{
	Binding		binding;

	memcpy(binding.form, PREFIX, PREFIX_BYTES);
	put_int64(binding.org_id, key->org_id);
	put_int64(binding.person_id, key->person_id);
	return binding;
}

static void
draw(uint8 *bytes, size_t size)
{
	if (!pg_strong_random(bytes, size))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes"));
}

void
usom_vault_make_key(UsomPersonKey *key, int64 org_id, int64 person_id)
{
	key->org_id = org_id;
	key->person_id = person_id;
	draw(key->bytes, sizeof(key->bytes));
}

/* ---- the cipher ---- */

static bool
begin_cipher(EVP_CIPHER_CTX *context, const UsomPersonKey *key, const uint8 *nonce, bool encrypt)
{
	Binding		binding = make_binding(key);
	int			size;

	return EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key->bytes, nonce, encrypt) == 1 &&
		EVP_CipherUpdate(context, NULL, &size, (const uint8 *) &binding, sizeof(binding)) == 1;
}

/* Writes as many bytes as it reads, and the tag. */
static bool
encrypt_bytes(const UsomPersonKey *key, const uint8 *nonce, const uint8 *clear, int size, uint8 *sealed, uint8 *tag)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int			written;
	int			rest;
	bool		done = context != NULL && begin_cipher(context, key, nonce, true) &&
		EVP_CipherUpdate(context, sealed, &written, clear, size) == 1 &&
		EVP_CipherFinal_ex(context, sealed + written, &rest) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1;

	EVP_CIPHER_CTX_free(context);
	return done;
}

/* False when the tag does not fit; what was written then is no text. */
static bool
decrypt_bytes(const UsomPersonKey *key, const uint8 *nonce, const uint8 *sealed, int size, uint8 *clear, uint8 *tag)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int			written;
	int			rest;
	bool		done = context != NULL && begin_cipher(context, key, nonce, false) &&
		EVP_CipherUpdate(context, clear, &written, sealed, size) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
		EVP_CipherFinal_ex(context, clear + written, &rest) == 1;

	EVP_CIPHER_CTX_free(context);
	return done;
}

/* ---- texts ---- */

static text *
encode(const uint8 *bytes, int size)
{
	int			limit = pg_b64_enc_len(size);
	text	   *string = palloc(VARHDRSZ + PREFIX_BYTES + limit);
	const void *source = bytes;
	int			length;

	memcpy(VARDATA(string), PREFIX, PREFIX_BYTES);
	length = pg_b64_encode(source, size, VARDATA(string) + PREFIX_BYTES, limit);
	if (length < 0)
		elog(ERROR, "could not encode a sealed text");
	SET_VARSIZE(string, VARHDRSZ + PREFIX_BYTES + length);
	return string;
}

/* The bytes behind the prefix, palloc'd; NULL if the text has not the form. */
static uint8 *
decode(const text *string, int *size)
{
	const char *data = VARDATA_ANY(string);
	int			length = (int) VARSIZE_ANY_EXHDR(string) - PREFIX_BYTES;
	void	   *bytes;
	int			limit;

	if (length <= 0 || memcmp(data, PREFIX, PREFIX_BYTES) != 0)
		return NULL;
	limit = pg_b64_dec_len(length);
	bytes = palloc(limit + 1);
	*size = pg_b64_decode(data + PREFIX_BYTES, length, bytes, limit);
	return *size > FRAME_BYTES ? bytes : NULL;
}

/* A database without an encoding has bytes, not characters: they are sealed as they are. */
static int
sealed_encoding(void)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? PG_SQL_ASCII : PG_UTF8;
}

/* The text without a byte count, in the encoding that is sealed. */
static char *
unwrap(const text *string, Size *size)
{
	char	   *clear;

	*size = VARSIZE_ANY_EXHDR(string);
	if (*size > TEXT_LIMIT)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("text is too long to be sealed"),
				errdetail("It has %zu bytes, at most %zu can be.", *size, (Size) TEXT_LIMIT));
	clear = pg_server_to_any(VARDATA_ANY(string), (int) *size, sealed_encoding());
	if (clear != VARDATA_ANY(string))
		*size = strlen(clear);
	return clear;
}

text *
usom_vault_seal(const UsomPersonKey *key, const text *clear)
{
	Size		size;
	char	   *data = unwrap(clear, &size);
	uint8	   *bytes = palloc(FRAME_BYTES + size);

	Assert(size > 0);
	put_int64(bytes, key->person_id);
	draw(bytes + PERSON_BYTES, NONCE_BYTES);
	if (!encrypt_bytes(key, bytes + PERSON_BYTES, (const uint8 *) data, (int) size,
					   bytes + PERSON_BYTES + NONCE_BYTES, bytes + PERSON_BYTES + NONCE_BYTES + size))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not seal a text"),
				errdetail("OpenSSL did not encrypt it."));
	return encode(bytes, FRAME_BYTES + (int) size);
}

bool
usom_vault_is_sealed(const text *string, int64 *person_id)
{
	int			size;
	uint8	   *bytes = decode(string, &size);

	if (bytes == NULL)
		return false;
	*person_id = take_int64(bytes);
	pfree(bytes);
	return true;
}

text *
usom_vault_open(const UsomPersonKey *key, const text *sealed)
{
	int			size;
	uint8	   *bytes = decode(sealed, &size);
	char	   *clear;

	if (bytes == NULL || take_int64(bytes) != key->person_id)
		return NULL;
	size -= FRAME_BYTES;
	clear = palloc(size + 1);
	if (!decrypt_bytes(key, bytes + PERSON_BYTES, bytes + PERSON_BYTES + NONCE_BYTES, size,
					   (uint8 *) clear, bytes + PERSON_BYTES + NONCE_BYTES + size))
		return NULL;
	clear[size] = '\0';
	if (!pg_verify_mbstr(sealed_encoding(), clear, size, true))
		return NULL;
	return cstring_to_text(pg_any_to_server(clear, size, sealed_encoding()));
}

bytea *
usom_vault_digest(const UsomPersonKey *key, const char *label, const void *data, Size size)
{
	bytea	   *result = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	SET_VARSIZE(result, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (pg_hmac_init(context, key->bytes, sizeof(key->bytes)) < 0 ||
		pg_hmac_update(context, (const uint8 *) label, strlen(label) + 1) < 0 ||
		pg_hmac_update(context, data, size) < 0 ||
		pg_hmac_final(context, (uint8 *) VARDATA(result), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute HMAC: %s", pg_hmac_error(context));
	pg_hmac_free(context);
	return result;
}
