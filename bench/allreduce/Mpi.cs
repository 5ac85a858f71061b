using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Singa.Actors.Bench.AllReduce;

/// <summary>OpenMPI's all-reduce over TCP, if this machine can compile it.</summary>
internal sealed class Mpi : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("allreduce");

    private Mpi()
    {
    }

    /// <summary>Why it is left out; null: it is there.</summary>
    public string? Missing { get; private set; }

    private string Program => Path.Combine(folder.FullName, "mpi_allreduce");

    public static Mpi Compile()
    {
        var mpi = new Mpi();
        try
        {
            var (code, output) = Start("mpicc", "-O2", "-o", mpi.Program, Path.Combine(AppContext.BaseDirectory, "mpi_allreduce.c"));
            mpi.Missing = code == 0 ? null : $"mpicc ended with {code}: {output}";
        }
        catch (Win32Exception)
        {
            mpi.Missing = "there is no mpicc; install openmpi-bin and libopenmpi-dev";
        }

        return mpi;
    }

    /// <returns>Seconds by bytes.</returns>
    public Dictionary<long, double> Run(int processes)
    {
        string[] sizes = [.. Sizes.All.SelectMany(s => new[] { $"{s.Bytes}", $"{s.Repeats}" })];
        var (code, output) = Start(
            "mpirun", ["--allow-run-as-root", "--oversubscribe", "--mca", "pml", "ob1", "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "lo", "-np", $"{processes}", Program, .. sizes]);
        if (code != 0)
            throw new InvalidOperationException($"mpirun ended with {code}: {output}");
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')).ToDictionary(
            p => long.Parse(p[0]), p => double.Parse(p[1], CultureInfo.InvariantCulture));
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static (int Code, string Output) Start(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
