using Singa.Actors.Runtime.Data.Digits;
using Singa.Actors.Runtime.Data.Images;
using Singa.Actors.Runtime.Data.Tables;
using Singa.Actors.Runtime.Data.Text;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>From where samples come to samples.</summary>
public static class DataLoader
{
    /// <summary>All samples, in memory and ready to be read.</summary>
    /// <param name="seed">The job's seed, for data that is drawn.</param>
    /// <exception cref="JobRefusedException">The data is missing or wrong: one sentence that names the file and what to do.</exception>
    public static async Task<Dataset> LoadAsync(DataSpec spec, ulong seed, CancellationToken cancellation = default)
    {
        var known = await ReadAsync(spec, cancellation).ConfigureAwait(false);
        return await Task.Run(() => Load(known, seed, cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>Data that can be read any number of times: what comes but once is read now.</summary>
    /// <exception cref="JobRefusedException"/>
    /// <exception cref="OperationCanceledException"/>
    public static async Task<DataSpec> ReadAsync(DataSpec spec, CancellationToken cancellation = default) =>
        spec is AsyncData data ? await AsyncReader.ReadAsync(data, cancellation).ConfigureAwait(false) : spec;

    /// <summary>Types and counts without the samples: headers are read, pixels are not.</summary>
    /// <exception cref="JobRefusedException"/>
    public static DataDescription Describe(DataSpec spec) => spec switch
    {
        IdxData idx => IdxLoader.Describe(idx),
        DigitsData digits => DigitsLoader.Describe(digits),
        CifarData cifar => CifarLoader.Describe(cifar),
        CsvData csv => CsvLoader.Describe(csv),
        ImageData images => ImageLoader.Describe(images),
        TextData text => TextLoader.Describe(text),
        InMemoryData memory => Load(memory).Description,
        AsyncData => throw new JobRefusedException("samples that come but once are not known before they are read; submit the job"),
        _ => throw Unknown(spec),
    };

    private static Dataset Load(DataSpec spec, ulong seed, CancellationToken cancellation) => spec switch
    {
        IdxData idx => IdxLoader.Load(idx, cancellation),
        DigitsData digits => DigitsLoader.Load(digits, seed, cancellation),
        CifarData cifar => CifarLoader.Load(cifar, seed, cancellation),
        CsvData csv => CsvLoader.Load(csv, seed, cancellation),
        ImageData images => ImageLoader.Load(images, seed, cancellation),
        TextData text => TextLoader.Load(text, seed, cancellation),
        InMemoryData memory => Load(memory),
        _ => throw Unknown(spec),
    };

    internal static Dataset Load(InMemoryData data)
    {
        if (data.TrainLabels is null or { Count: 0 })
            throw new JobRefusedException("there are no training samples; give at least one");
        CheckShapes(data.Sample, data.Label);
        var train = new InMemorySamples(data, data.TrainInputs, data.TrainLabels, "training");
        if (data.TestLabels is null or { Count: 0 })
            return new Dataset(train, null, null);
        var test = new InMemorySamples(data, data.TestInputs ?? Array.Empty<float>(), data.TestLabels, "test");
        if (test.Sample != train.Sample || test.Label != train.Label)
            throw new JobRefusedException($"training samples are {train.Sample} with labels {train.Label}, test samples {test.Sample} with {test.Label}; give both alike");
        return new Dataset(train, test, null);
    }

    internal static void CheckShapes(Graph.Shape sample, Graph.Shape label)
    {
        if (sample.Count == 0 || label.Count == 0)
            throw new JobRefusedException($"samples of {sample} with labels of {label} are empty; every dimension must be at least 1");
    }

    private static JobRefusedException Unknown(DataSpec spec) =>
        new($"{spec.GetType().Name} is no kind of data this version can read; it reads those of Singa.Actors.Runtime.Data");
}
