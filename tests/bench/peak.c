/*
 * Runs a command and writes to the file named first how many seconds of the processor it took and
 * the most memory it had, in kB: peak FILE COMMAND [ARGUMENT ...]. A program of little memory of
 * its own, for a command's peak counts from what its parent has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: peak FILE COMMAND [ARGUMENT ...]\n");
        return 2;
    }
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status = 0;
    struct rusage used;
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
        perror("peak");
        return 1;
    }
    FILE *out = fopen(argv[1], "w");
    double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    if (!out || fprintf(out, "%.6f %ld\n", seconds, used.ru_maxrss) < 0 || fclose(out)) {
        perror(argv[1]);
        return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
