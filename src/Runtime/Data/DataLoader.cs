using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>From where samples come to samples.</summary>
public static class DataLoader
{
    /// <summary>All samples, in memory and ready to be read.</summary>
    /// <exception cref="JobRefusedException">The data is missing or wrong: one sentence that names the file and what to do.</exception>
    public static Task<Dataset> LoadAsync(DataSpec spec, ulong seed, CancellationToken cancellation = default) =>
        Task.Run(() => Load(spec, seed, cancellation), cancellation);

    /// <summary>Types and counts without the samples: headers are read, pixels are not.</summary>
    /// <exception cref="JobRefusedException"/>
    public static DataDescription Describe(DataSpec spec) => throw new NotImplementedException(spec.ToString());

    private static Dataset Load(DataSpec spec, ulong seed, CancellationToken cancellation) => spec switch
    {
        _ => throw new JobRefusedException($"{spec.GetType().Name} is no kind of data this version can read"),
    };
}
