/* main.c: the server program. So far it only says what it is: the verbs come with the parts behind
 * them. It refuses every other word, so that a script never takes it for more. */
#include <stdio.h>
#include <string.h>

enum { EXIT_CODE_OK = 0, EXIT_CODE_FAILURE = 1, EXIT_CODE_USAGE = 2 };

static const char usage[] = "Usage: veldkit-server --version | --help\n"
                            "\n"
                            "This version has no verbs yet.\n"
                            "Exit codes: 0 ok, 1 failure, 2 usage.\n";

/* Output that does not arrive (a full disk, a closed pipe) is a failure, not a success. */
static int print_out(const char *text)
{
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CODE_OK : EXIT_CODE_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return print_out("veldkit-server " VELD_VERSION "\n");
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return print_out(usage);
    if (argc < 2)
        fputs("veldkit-server: no verb given\n", stderr);
    else
        fprintf(stderr, "veldkit-server: \"%s\" is not known here\n", argv[1]);
    fputs(usage, stderr);
    return EXIT_CODE_USAGE;
}
