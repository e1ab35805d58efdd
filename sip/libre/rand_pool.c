/* Stands in for libre's sys/rand.o: the same chance, asked for in bigger pieces.
 *
 * Each tag, branch and Call-ID takes a few bytes, some of them one at a time,
 * and each question to OpenSSL costs a microsecond: a tenth of what the loop
 * spends on a call. Here 512 bytes are drawn at once for each thread, given out
 * from the end and wiped as they go. */
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>
#include <re_types.h>
#include <re_sys.h>

enum { POOL = 512 };

static __thread struct {
	uint8_t bytes[POOL];
	size_t left;
} pool;

/* A gateway whose tags can be guessed is worse than one that stops. */
static void draw(uint8_t *p, size_t size)
{
	if (RAND_bytes(p, (int)size) != 1)
		abort();
}

static void give(void *p, size_t size)
{
	if (size > POOL / 4) {
		draw(p, size);
		return;
	}
	if (pool.left < size) {
		draw(pool.bytes, POOL);
		pool.left = POOL;
	}
	pool.left -= size;
	memcpy(p, pool.bytes + pool.left, size);
	explicit_bzero(pool.bytes + pool.left, size);
}

void rand_init(void)
{
}

uint16_t rand_u16(void)
{
	uint16_t v;

	give(&v, sizeof(v));
	return v;
}

uint32_t rand_u32(void)
{
	uint32_t v;

	give(&v, sizeof(v));
	return v;
}

uint64_t rand_u64(void)
{
	uint64_t v;

	give(&v, sizeof(v));
	return v;
}

/* One of 62 signs, each as likely: 248 is the last multiple of 62 in a byte. */
char rand_char(void)
{
	static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789";
	uint8_t v;

	do
		give(&v, sizeof(v));
	while (v >= 248);
	return signs[v % 62];
}

void rand_str(char *str, size_t size)
{
	size_t i;

	if (!str || !size)
		return;
	for (i = 0; i < size - 1; i++)
		str[i] = rand_char();
	str[size - 1] = '\0';
}

void rand_bytes(uint8_t *p, size_t size)
{
	if (p && size)
		give(p, size);
}
