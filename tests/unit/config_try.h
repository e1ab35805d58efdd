/* Trying configurations: what the tests of config/ share. */
#ifndef BELLPULL_TESTS_UNIT_CONFIG_TRY_H
#define BELLPULL_TESTS_UNIT_CONFIG_TRY_H

#include <stddef.h>
#include <sys/stat.h>

#include "config/config.h"

struct mbuf;

/* gw_config_parse() for those who don't care about the errors. */
int config_try(struct gw_config **cfgp, const char *text);

/* The first error as people see it; or why there is none. Static. */
const char *config_try_error(const char *text);

/* A variable for one test. name must outlive it. */
void config_try_set(const char *name, const char *text);

/* A file for one test, at config_try_path. */
int config_try_file(const char *text, size_t len, mode_t mode);
extern char config_try_path[64];

/* Appends the whole file at path, and a NUL behind the end. */
int config_try_read(struct mbuf *mb, const char *path);

#endif
