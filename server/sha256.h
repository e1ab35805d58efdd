/* SHA-256 of bytes. OpenSSL's own one-shot looks its implementation up each time,
 * which takes longer than a key's hash. Loop thread. */
#ifndef BELLPULL_SERVER_SHA256_H
#define BELLPULL_SERVER_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { GW_SHA256 = 32 };

/* Returns 0, or EIO (OpenSSL would not): then hash is all zero. */
int gw_sha256(uint8_t hash[GW_SHA256], const void *bytes, size_t len);

#endif
