/* What a verb of the command line costs on a store of 200 cases: the whole process, from its start
 * to its end, with the vault held open by an owner, so that no key is stretched. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef VELDKIT_PROGRAM
#error "the build says where the program is"
#endif

enum { CASES = 200, RUNS = 40, ID_CHARACTERS = 36 };

static char home[32];
static char pin[64];
static char dossier[64];
static char person[64];

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

/* Run the program with these words, read its answer, end with it. */
static double run(char *answer, size_t size, const char *const *words)
{
    const char *arguments[24] = {VELDKIT_PROGRAM, "--home", home, "--pin-file", pin, "--quiet"};
    size_t count = 6;
    int ends[2];
    while (*words != NULL && count < 23)
        arguments[count++] = *words++;
    double start = now_ms();
    if (pipe(ends) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(VELDKIT_PROGRAM, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(ends[1]);
    size_t filled = 0;
    for (;;) {
        char rest[4096];
        bool fits = filled + 1 < size;
        ssize_t got =
            read(ends[0], fits ? answer + filled : rest, fits ? size - 1 - filled : sizeof rest);
        if (got <= 0)
            break;
        filled += fits ? (size_t)got : 0;
    }
    answer[filled] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    double took = now_ms() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s %s: ended with %d\n", arguments[6], arguments[7], status);
        exit(1);
    }
    return took;
}

#define RUN(answer, ...) run(answer, sizeof answer, (const char *const[]){__VA_ARGS__, NULL})

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void tell(const char *name, double *took)
{
    qsort(took, RUNS, sizeof *took, by_size);
    printf("%-28s %8.1f ms   (goal 50; slowest %.1f)\n", name, took[RUNS / 2], took[RUNS - 1]);
}

/* The id behind `"name":"` in an answer. */
static void find_id(const char *answer, const char *name, char out[ID_CHARACTERS + 1])
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *at = strstr(answer, key);
    if (at == NULL || strlen(at) < strlen(key) + ID_CHARACTERS)
        exit(1);
    memcpy(out, at + strlen(key), ID_CHARACTERS);
    out[ID_CHARACTERS] = '\0';
}

static void prepare(char case_id[ID_CHARACTERS + 1])
{
    static char answer[1 << 20];
    snprintf(home, sizeof home, "/tmp/veld-verbs-XXXXXX");
    if (mkdtemp(home) == NULL)
        exit(1);
    snprintf(pin, sizeof pin, "%s.pin", home);
    snprintf(dossier, sizeof dossier, "%s.json", home);
    snprintf(person, sizeof person, "%s.person.json", home);
    write_file(pin, "vier losse woorden zonder enige samenhang 7\n");
    write_file(dossier,
        "{\"records\":[{\"type\":\"case\",\"fields\":{\"title\":\"Gezin Meting\"}},"
        "{\"type\":\"person\",\"fields\":{\"name\":\"Mina\"}},"
        "{\"type\":\"note\",\"fields\":{\"text\":\"Moeder belt zelf de huisarts\"}}]}");
    write_file(person, "{\"fields\":{\"name\":\"Sam\"}}");
    RUN(answer, "init", "--local", "--json");
    RUN(answer, "unlock", "--json");
    for (int i = 0; i < CASES; i++)
        RUN(answer, "case", "new", "--file", dossier, "--json");
    find_id(answer, "case", case_id);
}

int main(void)
{
    static char answer[1 << 20];
    static double took[RUNS];
    char case_id[ID_CHARACTERS + 1], record[ID_CHARACTERS + 1], field[64];
    prepare(case_id);
    RUN(answer, "record", "put", case_id, "person", "--file", person, "--json");
    find_id(answer, "record", record);
    for (int i = 0; i < RUNS; i++)
        took[i] = RUN(answer, "case", "list", "--json");
    tell("case list (200 cases)", took);
    for (int i = 0; i < RUNS; i++)
        took[i] = RUN(answer, "case", "show", case_id, "--json");
    tell("case show", took);
    for (int i = 0; i < RUNS; i++) {
        snprintf(field, sizeof field, "name=\"Sam %d\"", i);
        took[i] = RUN(answer, "record", "set", case_id, record, field, "--json");
    }
    tell("record set", took);
    for (int i = 0; i < RUNS; i++)
        took[i] = RUN(answer, "conflicts", "--json");
    tell("conflicts (of all cases)", took);
    for (int i = 0; i < RUNS; i++)
        took[i] = RUN(answer, "status", "--json");
    tell("status", took);
    RUN(answer, "lock", "--json");
    char remove[96];
    snprintf(remove, sizeof remove, "rm -rf -- %s %s.*", home, home);
    return system(remove) == 0 ? 0 : 1;
}
