/* Secrets by reference.
 *
 * The bytes live in one buffer each, from the system call that brought them
 * until mem_deref(), which wipes it; on the way they pass through nothing else
 * (no stdio, whose buffers nobody wipes). A message names
 * variables and paths, and never repeats a text that is no reference. */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re_types.h>
#include <re_mem.h>

#include "config/config.h"

struct gw_secret {
	char *ref;
	char *text; /* NULL until resolved */
	size_t len;
};

struct fetch {
	char *text; /* GW_CONFIG_SECRET_MAX + 1 bytes */
	size_t len;
	char *why;
	size_t why_size;
};

static void wipe_text(void *arg)
{
	char *text = arg;

	explicit_bzero(text, strlen(text));
}

/* Own copy of len bytes that wipes itself. */
static char *copy_text(const char *text, size_t len)
{
	char *copy = mem_zalloc(len + 1, wipe_text);

	if (copy)
		memcpy(copy, text, len);

	return copy;
}

static void secret_destructor(void *arg)
{
	struct gw_secret *secret = arg;

	mem_deref(secret->ref);
	mem_deref(secret->text);
}

int gw_secret_alloc(struct gw_secret **secretp, const char *ref)
{
	struct gw_secret *secret;

	secret = mem_zalloc(sizeof(*secret), secret_destructor);
	if (!secret)
		return ENOMEM;

	secret->ref = copy_text(ref, strlen(ref));
	if (!secret->ref) {
		mem_deref(secret);
		return ENOMEM;
	}

	*secretp = secret;
	return 0;
}

const char *gw_secret_text(const struct gw_secret *secret, size_t *lenp)
{
	if (lenp)
		*lenp = secret ? secret->len : 0;

	return secret ? secret->text : NULL;
}

/* Fetching --------------------------------------------------------------- */

static int refuse(struct fetch *f, const char *why)
{
	(void)snprintf(f->why, f->why_size, "%s", why);
	return EINVAL;
}

static int take_text(struct fetch *f, const char *text)
{
	size_t len = strlen(text);

	if (len > GW_CONFIG_SECRET_MAX)
		return refuse(f, "this secret is longer than 4096 bytes");

	memcpy(f->text, text, len + 1);
	f->len = len;
	return 0;
}

static int from_env(struct fetch *f, const char *name)
{
	const char *text = getenv(name);

	if (!text) {
		(void)snprintf(f->why, f->why_size,
			       "the environment has no variable %s: set it, "
			       "or point to another place",
			       name);
		return EINVAL;
	}

	return take_text(f, text);
}

/* Others must not be able to read it: nothing beyond rw-r-----. */
static int check_file(struct fetch *f, int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		(void)snprintf(f->why, f->why_size, "%s is no regular file",
			       path);
		return EINVAL;
	}

	if (st.st_mode & 07777 & ~0640u) {
		(void)snprintf(f->why, f->why_size,
			       "%s has mode %04o, so others could read or "
			       "change it: chmod 0640 (or 0600) it",
			       path, st.st_mode & 07777);
		return EINVAL;
	}

	return 0;
}

static int read_all(struct fetch *f, int fd)
{
	f->len = 0;
	while (f->len <= GW_CONFIG_SECRET_MAX) {
		ssize_t n = read(fd, f->text + f->len,
				 GW_CONFIG_SECRET_MAX + 1 - f->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse(f, strerror(errno));
		if (!n)
			break;
		f->len += (size_t)n;
	}

	if (f->len > GW_CONFIG_SECRET_MAX)
		return refuse(f, "this secret is longer than 4096 bytes");

	f->text[f->len] = '\0';
	if (strlen(f->text) != f->len)
		return refuse(f, "there is a NUL byte in this secret");

	/* editors and echo leave a line break */
	if (f->len && f->text[f->len - 1] == '\n')
		f->text[--f->len] = '\0';
	if (f->len && f->text[f->len - 1] == '\r')
		f->text[--f->len] = '\0';
	return 0;
}

static int from_file(struct fetch *f, const char *path)
{
	int fd, err;

	if (*path != '/')
		return refuse(f, "the path of a secret begins with a slash: "
				 "\"file:/etc/bellpull/password\"");

	/* NONBLOCK: a FIFO must not make us wait for its writer */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		(void)snprintf(f->why, f->why_size, "cannot read %s: %s", path,
			       strerror(errno));
		return EINVAL;
	}

	err = check_file(f, fd, path);
	if (!err)
		err = read_all(f, fd);

	(void)close(fd);
	return err;
}

static int from_credential(struct fetch *f, const char *name)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[512];
	int len;

	if (!dir || *dir != '/')
		return refuse(f, "$CREDENTIALS_DIRECTORY is not set: give the "
				 "service LoadCredential=, or use \"file:\"");
	if (!*name || *name == '.' || strchr(name, '/'))
		return refuse(f, "a credential's name has no slash and begins "
				 "with no dot");

	len = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return refuse(f, "this credential's path is too long");

	return from_file(f, path);
}

static const struct place {
	const char *prefix;
	int (*fetch)(struct fetch *f, const char *where);
} places[] = {
	{ "env:", from_env },
	{ "file:", from_file },
	{ "credential:", from_credential },
};

static const struct place *place_of(const char *ref)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (!strncmp(ref, places[i].prefix, strlen(places[i].prefix)))
			return &places[i];
	}

	return NULL;
}

bool gw_secret_is_reference(const struct gw_secret *secret)
{
	return place_of(secret->ref) != NULL;
}

static int fetch_text(struct fetch *f, const char *ref, bool allow_inline)
{
	const struct place *place = place_of(ref);

	if (place)
		return place->fetch(f, ref + strlen(place->prefix));
	if (allow_inline)
		return take_text(f, ref);

	return refuse(f, "a secret does not stand here as such: write "
			 "\"env:NAME\", \"file:/path\" or \"credential:NAME\" "
			 "(or set \"allow_inline\": true)");
}

int gw_secret_resolve(struct gw_secret *secret, bool allow_inline,
		      size_t min_bytes, char *why, size_t why_size)
{
	struct fetch f = { .why = why, .why_size = why_size };
	char *text;
	int err;

	f.text = mem_zalloc(GW_CONFIG_SECRET_MAX + 2, NULL);
	if (!f.text)
		return ENOMEM;

	err = fetch_text(&f, secret->ref, allow_inline);
	if (err)
		goto out;

	if (f.len < min_bytes) {
		(void)snprintf(why, why_size,
			       "this secret is too short: it needs at least "
			       "%zu characters",
			       min_bytes);
		err = EINVAL;
		goto out;
	}

	text = copy_text(f.text, f.len);
	if (!text) {
		err = ENOMEM;
		goto out;
	}

	mem_deref(secret->text);
	secret->text = text;
	secret->len = f.len;

out:
	explicit_bzero(f.text, GW_CONFIG_SECRET_MAX + 2);
	mem_deref(f.text);
	return err;
}
