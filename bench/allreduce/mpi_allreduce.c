/* Times MPI_Allreduce of float sums: one line "bytes seconds" for each size, the median of the repetitions. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t bytes = (size_t)atol(argv[i]);
        int repeats = atoi(argv[i + 1]);
        float *in = malloc(bytes), *out = malloc(bytes);
        double *times = malloc(sizeof(double) * repeats);
        for (size_t k = 0; k < bytes / 4; k++)
            in[k] = (float)(rank + 1);
        for (int r = -2; r < repeats; r++) {
            MPI_Barrier(MPI_COMM_WORLD);
            double begin = MPI_Wtime();
            MPI_Allreduce(in, out, (int)(bytes / 4), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
            if (r >= 0)
                times[r] = MPI_Wtime() - begin;
        }
        qsort(times, repeats, sizeof(double), ascending);
        if (rank == 0)
            printf("%zu %.9f\n", bytes, times[repeats / 2]);
        free(in);
        free(out);
        free(times);
    }
    MPI_Finalize();
    return 0;
}
