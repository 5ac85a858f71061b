namespace Singa.Actors.Runtime.Checking;

/// <summary>Whole records of CIFAR-10 or of CIFAR-100, with labels that these have.</summary>
internal static class CifarCheck
{
    private const int PixelBytes = 3072;

    /// <exception cref="InvalidDataException">It is neither.</exception>
    public static void Run(Stream content)
    {
        if (content.Length == 0)
            throw new InvalidDataException("it is empty");
        string? ten = Fault(content, [10]), hundred = Fault(content, [20, 100]);
        if (ten is not null && hundred is not null)
            throw new InvalidDataException($"it is no file of CIFAR-10 ({ten}) and none of CIFAR-100 ({hundred})");
    }

    /// <summary>What is wrong with records of so many labels, each below its number of classes.</summary>
    private static string? Fault(Stream content, int[] classes)
    {
        int record = classes.Length + PixelBytes;
        if (content.Length % record != 0)
            return $"{content.Length:N0} bytes are no whole records of {record:N0}";
        Span<byte> labels = stackalloc byte[2];
        labels = labels[..classes.Length];
        for (long at = 0; at < content.Length; at += record)
        {
            content.Position = at;
            content.ReadExactly(labels);
            for (int i = 0; i < classes.Length; i++)
            {
                if (labels[i] >= classes[i])
                    return $"record {at / record:N0} has label {labels[i]} of {classes[i]} classes";
            }
        }

        return null;
    }
}
