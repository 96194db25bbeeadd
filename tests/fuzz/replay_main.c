/* replay_main.c: runs a fuzz target over files, without libFuzzer, so that every compiler and every
 * test run holds the decoders against the committed corpus. Arguments are files or folders (not
 * searched deeper). It fails when it finds no input at all: a lost corpus must not look like a
 * pass. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_BYTES_MAX = 16 * 1024 * 1024, PATH_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes are copied to a block of exactly their size, so a sanitizer sees a read beyond them. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    struct stat info;
    int result = -1;
    if (!file || fstat(fileno(file), &info) != 0)
        goto done;
    if (info.st_size < 0 || info.st_size > INPUT_BYTES_MAX)
        goto done;
    size_t size = (size_t)info.st_size;
    data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size)
        goto done;
    (void)LLVMFuzzerTestOneInput(data, size);
    result = 0;
done:
    if (result != 0)
        fprintf(stderr, "replay: cannot read %s\n", path);
    free(data);
    if (file)
        fclose(file);
    return result;
}

static int run_folder(const char *path, unsigned long *count)
{
    DIR *folder = opendir(path);
    int result = 0;
    if (!folder) {
        fprintf(stderr, "replay: cannot open %s\n", path);
        return -1;
    }
    for (const struct dirent *entry; result == 0 && (entry = readdir(folder)) != NULL;) {
        char file[PATH_BYTES_MAX];
        struct stat info;
        int len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (len < 0 || (size_t)len >= sizeof file) {
            result = -1;
        } else if (stat(file, &info) == 0 && S_ISREG(info.st_mode)) {
            result = run_file(file);
            ++*count;
        }
    }
    closedir(folder);
    return result;
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    unsigned long count = 0;
    (void)LLVMFuzzerTestOneInput(nothing, 0);
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISREG(info.st_mode)) {
            if (run_file(argv[i]) != 0)
                return 1;
            count++;
        } else if (run_folder(argv[i], &count) != 0) {
            return 1;
        }
    }
    printf("replayed %lu inputs\n", count);
    return count > 0 ? 0 : 1;
}
