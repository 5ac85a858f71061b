using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Images;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>Where a job's samples come from as HOCON, with whole paths: what <see cref="DataReader"/> reads.</summary>
internal static class DataWriter
{
    public static void Write(DataSpec data, JobWriter writer)
    {
        switch (data)
        {
            case IdxData idx:
                writer.Set("kind", "idx");
                writer.Set("train-images", Place(idx.TrainImages));
                writer.Set("train-labels", Place(idx.TrainLabels));
                Maybe("test-images", idx.TestImages);
                Maybe("test-labels", idx.TestLabels);
                writer.Set("classes", idx.Classes);
                break;
            case DigitsData digits:
                writer.Set("kind", "digits");
                writer.Set("train", digits.Train);
                writer.Set("test", digits.Test);
                Seed(digits.Seed);
                break;
            case CifarData cifar:
                writer.Set("kind", "cifar");
                writer.Set("train", cifar.Train.Select(Place));
                if (cifar.Test.Count > 0)
                    writer.Set("test", cifar.Test.Select(Place));
                writer.Set("classes", cifar.Classes);
                if (cifar.Classes == 100)
                    writer.Set("labels", cifar.Coarse ? "coarse" : "fine");
                Augment(cifar.Augmentation);
                break;
            case ImageData images:
                writer.Set("kind", "images");
                writer.Set("train", Place(images.Train));
                Held(images.Test, images.TestFraction, images.Seed);
                writer.Set("size", images.Size);
                if (images.Resize > 0)
                    writer.Set("resize", images.Resize);
                writer.Set("channels", images.Channels);
                Augment(images.Augmentation);
                break;
            case CsvData csv:
                writer.Set("kind", "csv");
                writer.Set("train", Place(csv.Train));
                Held(csv.Test, csv.TestFraction, csv.Seed);
                writer.Set("header", csv.Header is { } header ? header ? "on" : "off" : "auto");
                writer.Set("delimiter", csv.Delimiter == '\t' ? "tab" : csv.Delimiter.ToString());
                if (csv.Label is not null)
                    writer.Set("label", csv.Label);
                writer.Set("target", csv.Target.ToString().ToLowerInvariant());
                foreach (var (key, names) in new[] { ("numeric", csv.Numeric), ("categorical", csv.Categorical), ("ignore", csv.Ignore) }.Where(c => c.Item2.Count > 0))
                    writer.Object("columns", () => writer.Set(key, names));
                writer.Set("standardise", csv.Standardise);
                break;
            case TextData text:
                writer.Set("kind", "text");
                writer.Set("path", Place(text.Path));
                writer.Set("tokens", text.Tokens == TextTokens.Bytes ? "bytes" : "characters");
                writer.Set("length", text.Length);
                break;
            case HostData host:
                writer.Set("kind", HostData.Kind);
                writer.Set("id", host.Id);
                break;
            default:
                throw new JobRefusedException($"data of kind {data.GetType().Name} lives in code, which does not travel with the job; give files, or arrays as {nameof(InMemoryData)}");
        }

        void Maybe(string key, string? path)
        {
            if (path is not null)
                writer.Set(key, Place(path));
        }

        void Seed(ulong? seed)
        {
            if (seed is { } own)
                writer.Set("seed", own);
        }

        void Held(string? test, double fraction, ulong? seed)
        {
            if (test is not null)
                writer.Set("test", Place(test));
            else
                writer.Set("test-fraction", fraction);
            Seed(seed);
        }

        void Augment(Augmentation augmentation)
        {
            if (augmentation == Augmentation.None)
                return;
            writer.Object("augment", () =>
            {
                if (augmentation.CropPadding > 0)
                    writer.Set("crop-padding", augmentation.CropPadding);
                if (augmentation.Crop)
                    writer.Set("crop", true);
                writer.Set("flip", augmentation.Flip);
            });
        }
    }

    private static string Place(string path) => Path.GetFullPath(path);
}
