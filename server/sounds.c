/* Sounds by name. See sounds.h. */
#include "server/sounds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re.h>

#include "server/log.h"
#include "sip/media/media.h"

enum {
	SOUNDS_MAX = 100,
	FILE_MAX_BYTES = 16 << 20,
	ALL_MAX_BYTES = 64 << 20,
};

static struct {
	struct {
		char *name; /* without ".wav" */
		struct gw_sound *sound;
	} list[SOUNDS_MAX];
	size_t count;
	size_t bytes;
} sounds;

static int read_whole(struct mbuf **mbp, int dirfd_, const char *file)
{
	struct mbuf *mb = NULL;
	struct stat st;
	int fd, err = 0;

	fd = openat(dirfd_, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st))
		err = errno;
	else if (!S_ISREG(st.st_mode))
		err = EINVAL;
	else if (st.st_size > FILE_MAX_BYTES ||
		 sounds.bytes + (size_t)st.st_size > ALL_MAX_BYTES)
		err = EFBIG;
	if (err)
		goto out;

	mb = mbuf_alloc((size_t)st.st_size + 1);
	if (!mb) {
		err = ENOMEM;
		goto out;
	}
	while (mb->end < (size_t)st.st_size) {
		const ssize_t n = read(fd, mb->buf + mb->end,
				       (size_t)st.st_size - mb->end);

		if (n <= 0) {
			err = n ? errno : EIO;
			goto out;
		}
		mb->end += (size_t)n;
	}
	*mbp = mb;
out:
	(void)close(fd);
	if (err)
		mem_deref(mb);
	return err;
}

static void load(int dirfd_, const char *file, size_t stem)
{
	const char *why = NULL;
	struct gw_sound *sound = NULL;
	struct mbuf *mb = NULL;
	struct pl name = { file, stem };
	char *copy = NULL;
	int err;

	err = read_whole(&mb, dirfd_, file);
	if (!err)
		err = gw_sound_from_wav(&sound, mb->buf, mb->end, &why);
	if (!err)
		err = pl_strdup(&copy, &name);
	if (err) {
		gw_log(GW_LOG_WARNING, "sound.unusable", GW_F_STR("file", file),
		       GW_F_STR("why", why ? why : strerror(err)));
		mem_deref(sound);
	} else {
		sounds.bytes += mb->end;
		sounds.list[sounds.count].name = copy;
		sounds.list[sounds.count++].sound = sound;
	}
	mem_deref(mb);
}

int gw_sounds_load(const char *dir)
{
	const struct dirent *entry;
	DIR *d;

	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : errno;
	while ((entry = readdir(d)) && sounds.count < SOUNDS_MAX) {
		const size_t len = strlen(entry->d_name);

		if (len > 4 && !strcasecmp(entry->d_name + len - 4, ".wav"))
			load(dirfd(d), entry->d_name, len - 4);
	}
	(void)closedir(d);
	return 0;
}

void gw_sounds_close(void)
{
	while (sounds.count) {
		sounds.count--;
		mem_deref(sounds.list[sounds.count].name);
		mem_deref(sounds.list[sounds.count].sound);
	}
	sounds.bytes = 0;
}

const struct gw_sound *gw_sounds_find(const char *name)
{
	size_t len = strlen(name), i;

	if (len > 4 && !strcasecmp(name + len - 4, ".wav"))
		len -= 4;
	for (i = 0; i < sounds.count; i++)
		if (strlen(sounds.list[i].name) == len &&
		    !strncmp(sounds.list[i].name, name, len))
			return sounds.list[i].sound;
	return NULL;
}
