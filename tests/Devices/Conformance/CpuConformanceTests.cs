using Singa.Actors.Devices.Cpu;

namespace Singa.Actors.Devices.Tests.Conformance;

/// <summary>The CPU at every vector width of this machine, alone and with workers that find something to do.</summary>
public sealed class CpuConformanceTests(CpuVariants variants) : BackendConformance(variants.Backends), IClassFixture<CpuVariants>;

public sealed class CpuVariants : IDisposable
{
    public IReadOnlyList<IBackend> Backends { get; } =
    [
        .. VectorWidths.Available.SelectMany(width => new[] { 1, 3 }.Select(threads =>
            new CpuBackend(0, new CpuOptions { Width = width, Threads = threads, WorkPerPart = 100 }))),
    ];

    public void Dispose()
    {
        foreach (var backend in Backends)
            backend.Dispose();
    }
}
