using System.Security.Cryptography;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>Tells one set of samples from another by what they hold, wherever their files lie: a hash over some of them, evenly spread.</summary>
internal static class DataFingerprint
{
    private const int SamplesMax = 64;

    public static string Of(Dataset data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, data.Train);
        if (data.Test is not null)
            Add(hash, data.Test);
        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <exception cref="Jobs.JobRefusedException">They are no samples.</exception>
    public static string Of(InMemoryData data) => Of(DataLoader.Load(data));

    private static void Add(IncrementalHash hash, ISampleSource source)
    {
        var (inputs, labels) = (new byte[source.Sample.Bytes], new byte[source.Label.Bytes]);
        long count = Math.Min(SamplesMax, source.Count);
        for (long i = 0; i < count; i++)
        {
            long sample = (long)((Int128)i * source.Count / count);
            source.Read(epoch: 0, [sample], inputs, labels);
            hash.AppendData(inputs);
            hash.AppendData(labels);
        }
    }
}
