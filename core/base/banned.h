/* banned.h: functions that have cost others dearly, made into compile errors. The build includes
 * this file in front of every source of ours, so nobody has to remember it. */
#ifndef VELD_BANNED_H
#define VELD_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VELD_BANNED(name) veld_##name##_is_banned

#undef strcpy
#define strcpy(a, b) VELD_BANNED(strcpy)
#undef strcat
#define strcat(a, b) VELD_BANNED(strcat)
#undef strncpy
#define strncpy(a, b, c) VELD_BANNED(strncpy)
#undef strncat
#define strncat(a, b, c) VELD_BANNED(strncat)
#undef sprintf
#define sprintf(...) VELD_BANNED(sprintf)
#undef vsprintf
#define vsprintf(a, b, c) VELD_BANNED(vsprintf)
#undef strtok
#define strtok(a, b) VELD_BANNED(strtok)
#undef atoi
#define atoi(a) VELD_BANNED(atoi)
#undef atol
#define atol(a) VELD_BANNED(atol)
#undef gmtime
#define gmtime(a) VELD_BANNED(gmtime)
#undef localtime
#define localtime(a) VELD_BANNED(localtime)
#undef ctime
#define ctime(a) VELD_BANNED(ctime)
#undef asctime
#define asctime(a) VELD_BANNED(asctime)
#undef mktemp
#define mktemp(a) VELD_BANNED(mktemp)
#undef tmpnam
#define tmpnam(a) VELD_BANNED(tmpnam)
#undef rand
#define rand() VELD_BANNED(rand)

#endif
