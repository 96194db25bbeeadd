/* The smallest program that uses the installed library. */
#include <stdio.h>

#include <veldkit/bytes.h>

int main(void)
{
    char hex[7];
    veld_hex_encode(veld_span_text("ok!"), hex, sizeof hex);
    puts(hex);
    return 0;
}
